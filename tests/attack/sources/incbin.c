/* The assembler reads a file of the host. */
/* EXPECT: fails */
__asm__(".section .rodata\n.globl stolen\nstolen: .incbin \"/tmp/ipclab-attack-secret\"\n");
extern const char stolen[];
#include <stdio.h>
int main(void)
{
    return puts(stolen);
}
