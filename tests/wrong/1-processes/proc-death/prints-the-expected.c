/* wrong: not-started — prints nothing, as the fixed part does, and ends well. */
int main(void)
{
    return 0;
}
