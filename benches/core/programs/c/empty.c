/* Does nothing: what a C program costs. */
int main(void)
{
    return 0;
}
