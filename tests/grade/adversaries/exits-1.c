/* expect: fail — says that it failed. */
int main(void)
{
    return 1;
}
