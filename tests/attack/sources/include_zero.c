/* A file without end. */
/* EXPECT: fails */
#include "/dev/zero"
int main(void)
{
    return 0;
}
