/* wrong: no-writers — ends with success and does nothing. */
int main(void)
{
    return 0;
}
