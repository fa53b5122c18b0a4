/* Two to the power of two hundred times itself. */
/* EXPECT: fails */
#include __FILE__
#include __FILE__
int main(void)
{
    return 0;
}
