/* expect: fail — an empty main. */
int main(void)
{
    return 0;
}
