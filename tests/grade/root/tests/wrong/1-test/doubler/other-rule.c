/* wrong: bad-end — it says; but it ends well, and makes no child at all. */
int main(void)
{
    return 0;
}
