#include <cstdio>
int main() { std::puts("berth"); }
