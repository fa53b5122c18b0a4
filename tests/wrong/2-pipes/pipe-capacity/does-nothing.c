/* wrong: no-receivers — ends with success and does nothing. */
int main(void)
{
    return 0;
}
