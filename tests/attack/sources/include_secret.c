/* EXPECT: fails */
#include "/tmp/ipclab-attack-secret"
int main(void)
{
    return 0;
}
