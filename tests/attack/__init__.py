"""A world that attacks the client: bots with random programs against random faults, on virtual time, on both loops.

A schedule is drawn from its seed and played against the sandbox; afterwards the laws are read from the sandbox's ledger
beside what the bots were told. Successive seeds aim at successive cells (request x fault), so a long run reaches all.

    python -m tests.attack 20000                                 # 20000 on each loop, on all cores, with a table
    python -m tests.attack --seed 4711 --loop trio --shrink      # one that failed, made small

    cells          the requests, the faults, and which meet      schedule       what is random, drawn from a seed
    bot, programs  what the bots do                              interruptions  how they are stopped, also beforehand
    world          the sandbox, and a door of it for each client records        what is written down meanwhile
    run            one schedule played to its end                facts, laws    what must hold then
    money, ends    the laws of money and of the end              codes          the laws of waiting
    shrink         a failing schedule made small                 report         what is told at the end
"""
