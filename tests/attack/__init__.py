"""A world that attacks the client: bots with random programs against random faults, on virtual time, on both loops.

A schedule is drawn from its seed and played against the sandbox. Then the laws compare the sandbox's ledger with the
results that the bots got. Successive seeds aim at successive cells (request x fault), so a long run reaches all.

    python -m tests.attack 20000                                 # 20000 on each loop, on all cores, with a table
    python -m tests.attack --seed 4711 --loop trio --shrink      # one that failed, made small

    cells          the pairs of a request and a fault            schedule       all chance, drawn from a seed
    bot, programs  the acts of the bots                          interruptions  the ways to stop them, also beforehand
    world          the sandbox, and a door of it for each client records        the record of a run
    run            one schedule played to its end                facts, laws    the questions and the laws
    money, ends    the laws of money and of the end              codes          the laws of waiting
    shrink         a failing schedule made small                 report         the report at the end
"""
