/* A warning on every line, and too many of them. */
/* EXPECT: fails or exit 0 */
#define W(n) int f##n(void) { int unused = "x" + 1.5; undeclared##n(); }
#define X(n) W(n##0) W(n##1) W(n##2) W(n##3) W(n##4) W(n##5) W(n##6) W(n##7) W(n##8) W(n##9)
#define Y(n) X(n##0) X(n##1) X(n##2) X(n##3) X(n##4) X(n##5) X(n##6) X(n##7) X(n##8) X(n##9)
#define Z(n) Y(n##0) Y(n##1) Y(n##2) Y(n##3) Y(n##4) Y(n##5) Y(n##6) Y(n##7) Y(n##8) Y(n##9)
Z(1) Z(2) Z(3) Z(4)
int main(void)
{
    return 0;
}
