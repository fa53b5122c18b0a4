/* right: says so, but never makes a child. */
int main(void)
{
    return 0;
}
