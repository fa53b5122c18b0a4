/* A file without end. */
/* EXPECT: fails */
#include "/dev/urandom"
int main(void)
{
    return 0;
}
