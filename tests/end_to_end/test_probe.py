import time
def test_probe(company):
    from importlib import import_module
    import sys
    conf = sys.modules[type(company).__module__]
    for day in conf.DAYS:
        company.deliver(f"orders_{day}.csv", conf.ORDERS[day])
        company.deliver_calls(f"calls_{day}.jsonl", [(f"c{day}", "ann", f"{day} 08:00")])
        t=time.time(); c=time.process_time()
        company.run(day)
        print(time.time()-t, time.process_time()-c)
    import cProfile, pstats
    p = cProfile.Profile(); p.enable()
    t=time.time(); c=time.process_time()
    company.run("2024-02-02")
    print(time.time()-t, time.process_time()-c)
    p.disable()
    pstats.Stats(p).sort_stats("cumtime").print_stats(60)
    pstats.Stats(p).sort_stats("tottime").print_stats(25)
