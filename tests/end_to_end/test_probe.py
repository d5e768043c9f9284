import time
def test_probe(shop, three_nights):
    print(shop.marts("select * from tier_history order by all"))
    print(shop.marts("from dim_customer_tiers"))
    t=time.time()
    print(shop.run("2024-02-02").said)
    print(time.time()-t)
    print(shop.marts("from ops_deliveries"))
