/* The compiler's own stdin: empty. */
/* EXPECT: exit 0 */
#include "/dev/stdin"
int main(void)
{
    return 0;
}
