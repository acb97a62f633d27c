int all[1u << 30] = {1};
main[-1u] = {1};
