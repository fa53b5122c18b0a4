/* Two gigabytes of initialised data. */
/* EXPECT: fails */
int data[1 << 29] = {1};
int main(void)
{
    return data[1];
}
