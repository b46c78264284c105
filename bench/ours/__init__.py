"""What the benchmarks run of ours: one program for each, told what to do by one argument of JSON."""
