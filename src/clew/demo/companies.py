"""The forty companies of the sample world: who orders, how much, and whose data is not in order."""

from __future__ import annotations

import random
import re
from itertools import accumulate

import msgspec


class Company(msgspec.Struct, frozen=True):
    """A customer as the ERP knows it. `name` is the account; everything it owns lives under a `.example` domain."""

    name: str
    street: str
    city: str
    postal_code: str
    country: str

    @property
    def slug(self) -> str:
        """The name as part of a host name or an id: `harbor-pine-furniture`."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    @property
    def email(self) -> str:
        """Where the company gets its mail."""
        return f"orders@{self.slug}.example"

    @property
    def connection(self) -> str:
        """The company's connection to Ship."""
        return f"{self.slug}-ship"


# The largest first: the place in the list decides how much a company orders.
COMPANIES: tuple[Company, ...] = (
    Company("Acme Outdoor", "1480 Canyon Road", "Boulder", "80302", "US"),
    Company("Cedar Ridge Outfitters", "22 Mill Street", "Portland", "97205", "US"),
    Company("Brightwell Kitchens", "9 Foundry Lane", "Leeds", "LS10 1JR", "GB"),
    Company("Holm & Lund Lighting", "Kongensgade 14", "Odense", "5000", "DK"),
    Company("Blackwater Marine", "Quay 7, Old Harbour", "Annapolis", "", "US"),
    Company("Veldhuis Cycles", "Oudegracht 201", "Utrecht", "3511 NH", "NL"),
    Company("Sankt Georg Tools", "Lange Reihe 88", "Hamburg", "20099", "DE"),
    Company("Harbor & Pine Furniture", "310 Wharf Street", "Seattle", "98101", "US"),
    Company("Ostrava Steelworks Supply", "Nádražní 41", "Ostrava", "702 00", "CZ"),
    Company("Pico Alto Coffee", "Rua das Flores 60", "Porto", "4050-262", "PT"),
    Company("Tidewater Pet Supply", "75 Granby Street", "Norfolk", "23510", "US"),
    Company("Maison Verdier", "12 rue Mercière", "Lyon", "69002", "FR"),
    Company("Redfern Textiles", "41 Canal Street", "Manchester", "M1 3HE", "GB"),
    Company("Kestrel Avionics", "600 Hangar Drive", "Wichita", "67209", "US"),
    Company("Nordlys Skiwear", "Storgata 103", "Tromsø", "9008", "NO"),
    Company("Prairie Seed Company", "18 Elevator Road", "Lincoln", "68508", "US"),
    Company("Alpen Apotheke Bedarf", "Maria-Theresien-Straße 5", "Innsbruck", "6020", "AT"),
    Company("Sierra Vista Dental", "2100 Fry Boulevard", "Sierra Vista", "85635", "US"),
    Company("Corrib Instruments", "3 Shop Street", "Galway", "H91 X2RD", "IE"),
    Company("Lakeshore Printworks", "455 Water Street", "Milwaukee", "53202", "US"),
    Company("Molino Bianchi", "Via Emilia 212", "Modena", "41121", "IT"),
    Company("Great Basin Solar", "90 Liberty Street", "Reno", "89501", "US"),
    Company("Thistle & Oak Distillers", "17 Bridge Street", "Inverness", "IV1 1HD", "GB"),
    Company("Bluebird Toys", "830 Peachtree Street", "Atlanta", "30308", "US"),
    Company("Van Aken Ceramics", "Meir 50", "Antwerp", "2000", "BE"),
    Company("Mesa Irrigation", "1200 Main Street", "Mesa", "85201", "US"),
    Company("Quill & Ledger", "64 Beacon Street", "Boston", "02108", "US"),
    Company("Sava Medical", "Slovenska cesta 30", "Ljubljana", "1000", "SI"),
    Company("Copper Kettle Brewing", "219 Front Street", "Traverse City", "49684", "US"),
    Company("Ardmore Glass", "8 Lismore Avenue", "Edinburgh", "EH8 7DN", "GB"),
    Company("Rocky Point Fishing", "14 Pier Road", "Gloucester", "01930", "US"),
    Company("Weber Präzision", "Industriestraße 19", "Stuttgart", "70565", "DE"),
    Company("Magnolia Bakery Supply", "505 Royal Street", "New Orleans", "70130", "US"),
    Company("Estrella Uniforms", "Calle Mayor 77", "Zaragoza", "50001", "ES"),
    Company("Finch Optical", "33 Castle Street", "Bristol", "BS1 3XD", "GB"),
    Company("Two Rivers Nursery", "1900 Orchard Avenue", "Yakima", "98902", "US"),
    Company("Hanseatic Rope", "An der Obertrave 12", "Lübeck", "23552", "DE"),
    Company("Juniper Yoga", "71 State Street", "Santa Fe", "87501", "US"),
    Company("Solna Elektronik", "Råsundavägen 100", "Solna", "169 57", "SE"),
    Company("Dry Creek Saddlery", "6 Stockyard Lane", "Amarillo", "79101", "US"),
)

NO_POSTAL_CODE = next(company for company in COMPANIES if not company.postal_code)
"""Its address in the ERP lacks the postal code, so Ship refuses every shipment to it."""
LAPSED = next(company for company in COMPANIES if company.name == "Harbor & Pine Furniture")
"""Its access to Ship has expired and was not renewed."""
BURST = next(company for company in COMPANIES if company.name == "Cedar Ridge Outfitters")
"""Its access to Ship had expired for two hours, in the history."""
CUT_OFF = next(company for company in COMPANIES if company.name == "Rocky Point Fishing")
"""It has revoked Ship's access, and Clew knows: its connection is disconnected."""
_UNSOUND = {NO_POSTAL_CODE, LAPSED, CUT_OFF}
SOUND = tuple(company for company in COMPANIES if company.country == "US" and company not in _UNSOUND)
"""Those whose orders go through."""
ABROAD = tuple(company for company in COMPANIES if company.country != "US")
"""Those that Ship is not asked for: `order-to-ship` takes orders to the US."""

_WEIGHTS = {company: 1 / (place + 2) for place, company in enumerate(COMPANIES)}
_SUMS = {group: tuple(accumulate(_WEIGHTS[company] for company in group)) for group in (COMPANIES, SOUND, ABROAD)}


def choose_company(rng: random.Random, group: tuple[Company, ...] = COMPANIES) -> Company:
    """One of `COMPANIES`, `SOUND` or `ABROAD`, the large ones oftener: a company's share falls with its place."""
    return rng.choices(group, cum_weights=_SUMS[group])[0]
