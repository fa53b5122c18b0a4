/* The same calls under other numbers: int 0x80. Kernels without 32-bit support make it a fault. */
/* EXPECT: killed SIGSYS or killed SIGSEGV */
int main(void)
{
    long result = 20; /* getpid */
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory");
    return result > 0;
}
