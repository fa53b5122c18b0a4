/* wrong: no-stages — ends with success and does nothing. */
int main(void)
{
    return 0;
}
