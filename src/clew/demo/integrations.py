"""The integrations of the sample world, declared as any integration is: `clew serve clew.demo.integrations`."""

from clew.registry.declare import Integration, Product
from clew.registry.schemes import hmac_sha256, standard_webhooks

erp = Product("erp", title="ERP")
ship = Product("ship", title="Aptean Ship")
shop = Product("referral-shop", title="Referral shop")

orders = Integration("orders", source=erp, target=ship, direction="two-way", title="Orders and shipments")
customers = Integration("customers", source=erp, target=ship, title="Customer data")
invoices = Integration("invoices", source=ship, target=erp, title="Freight invoices")
referrals = Integration("referrals", source=shop, target=erp, title="Referrals")

order_hooks = erp.webhook(
    "orders",
    verify=hmac_sha256("X-ERP-Signature", secret="ERP_SECRET"),  # noqa: S106 - the name of a variable
    event="$.type",
    customer="$.account",
    keys={"order": "$.data.number"},
    delivery_id="header:X-ERP-Delivery",
)
shipment_hooks = ship.webhook(
    "shipments",
    verify=standard_webhooks(secret="SHIP_SECRET"),  # noqa: S106 - the name of a variable
    event="$.type",
    customer="$.data.account",
    keys={"order": "$.data.order_number", "shipment": "$.data.number"},
)
