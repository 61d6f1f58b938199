// Nothing but the precompiled Catch2 header, for every test program to use.
