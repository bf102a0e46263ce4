"""chengtu beside what one would pick instead, on one machine in one run: see __main__."""
