/* doubler: pass standard input to a child through a pipe. As it stands, it does nothing. */
int main(void)
{
    return 0; /* TODO: pipe, fork, read and write, wait */
}
