/* A program of sixteen gigabytes. */
/* EXPECT: fails */
int main[-1u] = {1};
