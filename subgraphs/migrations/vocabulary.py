"""The words the seed is made of: names, places, product lines. Data only; `seed.py` combines it."""

from typing import NamedTuple

GIVEN_NAMES = (
    "Ana", "Bruno", "Carla", "Daniel", "Elena", "Felix", "Greta", "Hugo", "Ines", "Jonas",
    "Katja", "Lukas", "Marta", "Nils", "Olivia", "Pablo", "Quentin", "Rosa", "Stefan", "Teresa",
    "Ulrike", "Victor", "Wanda", "Xavier", "Yara", "Zoe", "Adrian", "Beatriz", "Camille", "Dario",
    "Emma", "Florian", "Giulia", "Henrik", "Isabel", "Jakub", "Klara", "Leon", "Mireia", "Noah",
)  # fmt: skip
FAMILY_NAMES = (
    "Silva", "Müller", "García", "Rossi", "Novak", "Dubois", "Jansen", "Kowalski", "Andersen", "Costa",
    "Schneider", "Martínez", "Bianchi", "Horvat", "Lefèvre", "de Vries", "Nowak", "Lindqvist", "Pereira", "Fischer",
    "López", "Ricci", "Kovač", "Moreau", "Bakker", "Wiśniewska", "Berg", "Santos", "Weber", "Fernández",
    "Conti", "Babić", "Laurent", "Visser", "Kamińska", "Larsen", "Oliveira", "Wagner", "Romero", "Greco",
    "Vidmar", "Girard", "Smit", "Zielińska", "Nilsen", "Almeida", "Becker", "Navarro", "Marino", "Hansen",
)  # fmt: skip


class City(NamedTuple):
    """A place an order can be sent to. ``language`` is what people there read."""

    name: str
    postal_code: str
    country: str
    language: str
    phone_prefix: str


CITIES = (
    City("Lisboa", "1100-148", "PT", "pt", "+351 21"),
    City("Porto", "4050-296", "PT", "pt", "+351 22"),
    City("Berlin", "10115", "DE", "de", "+49 30"),
    City("Hamburg", "20095", "DE", "de", "+49 40"),
    City("München", "80331", "DE", "de", "+49 89"),
    City("Madrid", "28013", "ES", "es", "+34 91"),
    City("Barcelona", "08002", "ES", "ca", "+34 93"),
    City("Valencia", "46001", "ES", "es", "+34 96"),
    City("Milano", "20121", "IT", "it", "+39 02"),
    City("Roma", "00184", "IT", "it", "+39 06"),
    City("Paris", "75004", "FR", "fr", "+33 1"),
    City("Lyon", "69002", "FR", "fr", "+33 4"),
    City("Amsterdam", "1012 JS", "NL", "nl", "+31 20"),
    City("Wien", "1010", "AT", "de", "+43 1"),
    City("Ljubljana", "1000", "SI", "sl", "+386 1"),
    City("Kraków", "31-042", "PL", "pl", "+48 12"),
)
STREETS = {
    "PT": ("Rua da Prata", "Rua das Flores", "Avenida da Liberdade", "Travessa do Carmo"),
    "DE": ("Hauptstraße", "Lindenweg", "Gartenstraße", "Am Markt"),
    "ES": ("Calle Mayor", "Plaza Nueva", "Avenida Central", "Calle del Pozo"),
    "IT": ("Via Garibaldi", "Corso Italia", "Via dei Mille", "Piazza Dante"),
    "FR": ("Rue des Écoles", "Rue du Moulin", "Avenue de la République", "Rue Victor Hugo"),
    "NL": ("Kerkstraat", "Prinsengracht", "Dorpsstraat"),
    "AT": ("Marktgasse", "Währinger Straße", "Neubaugasse"),
    "SI": ("Slovenska cesta", "Trubarjeva cesta", "Mestni trg"),
    "PL": ("ulica Długa", "ulica Floriańska", "ulica Grodzka"),
}


class ProductLine(NamedTuple):
    """A category: five things, each in five variants, between two prices in cents."""

    category: str
    things: tuple[str, str, str, str, str]
    variants: tuple[str, str, str, str, str]
    cheapest_minor: int
    dearest_minor: int
    description: str


PRODUCT_LINES = (
    ProductLine("Kitchen", ("Chef's Knife", "Saucepan", "Cutting Board", "Mixing Bowl", "Whisk"),
                ("Classic", "Forged", "Compact", "Professional", "Oak"), 990, 12900, "Made for daily cooking"),
    ProductLine("Coffee & Tea", ("Espresso Maker", "Teapot", "Grinder", "Kettle", "Milk Frother"),
                ("Stovetop", "Glass", "Manual", "Enamel", "Travel"), 1490, 18900, "For the first cup of the day"),
    ProductLine("Books", ("Field Guide", "Cookbook", "Atlas", "Short Stories", "Biography"),
                ("Pocket", "Illustrated", "Hardcover", "Anniversary", "Annotated"), 890, 4900, "Thick paper, sewn"),
    ProductLine("Garden", ("Watering Can", "Pruning Shears", "Planter", "Hand Trowel", "Seed Box"),
                ("Copper", "Zinc", "Terracotta", "Ash", "Large"), 690, 8900, "Weatherproof and repairable"),
    ProductLine("Lighting", ("Desk Lamp", "Pendant", "Floor Lamp", "Night Light", "Lantern"),
                ("Brass", "Opal", "Linen", "Dimmable", "Folding"), 1900, 24900, "Warm light, replaceable bulb"),
    ProductLine("Bedding", ("Duvet", "Pillow", "Blanket", "Fitted Sheet", "Pillowcase"),
                ("Linen", "Cotton", "Wool", "Percale", "Down"), 1490, 19900, "Woven in Portugal"),
    ProductLine("Bath", ("Towel", "Bath Mat", "Robe", "Soap Dish", "Shower Curtain"),
                ("Waffle", "Terry", "Bamboo", "Striped", "Hammam"), 590, 8900, "Dries fast, stays soft"),
    ProductLine("Audio", ("Headphones", "Speaker", "Turntable", "Earbuds", "Radio"),
                ("Wireless", "Studio", "Portable", "Retro", "Noise-cancelling"), 2900, 39900, "Clear, unhurried sound"),
    ProductLine("Cameras", ("Tripod", "Lens Cloth", "Camera Strap", "Instant Camera", "Film Roll"),
                ("Carbon", "Micro", "Leather", "Mini", "Black & White"), 790, 29900, "For pictures worth keeping"),
    ProductLine("Computing", ("Keyboard", "Mouse", "USB-C Hub", "Laptop Stand", "Webcam"),
                ("Mechanical", "Silent", "Aluminium", "Ergonomic", "Wide"), 1990, 19900, "Works without a driver"),
    ProductLine("Cycling", ("Helmet", "Bike Light", "Pannier", "Floor Pump", "Bell"),
                ("Urban", "Road", "Waterproof", "Steel", "Kids'"), 990, 12900, "Tested on wet cobblestones"),
    ProductLine("Hiking", ("Backpack", "Water Bottle", "Trekking Poles", "Headlamp", "Rain Jacket"),
                ("Light", "Insulated", "Folding", "Alpine", "Weekend"), 1290, 22900, "Carried over many passes"),
    ProductLine("Fitness", ("Yoga Mat", "Kettlebell", "Skipping Rope", "Resistance Band", "Foam Roller"),
                ("Cork", "Cast Iron", "Speed", "Heavy", "Travel"), 890, 9900, "Small enough for a flat"),
    ProductLine("Toys", ("Building Blocks", "Puzzle", "Wooden Train", "Kite", "Marble Run"),
                ("Beech", "500-piece", "Classic", "Rainbow", "Starter"), 990, 7900, "From three years on"),
    ProductLine("Stationery", ("Notebook", "Fountain Pen", "Pencil Set", "Desk Pad", "Calendar"),
                ("Dotted", "Piston", "Cedar", "Felt", "Letterpress"), 490, 8900, "For people who still write"),
    ProductLine("Bags", ("Tote", "Messenger Bag", "Wallet", "Toiletry Bag", "Duffel"),
                ("Canvas", "Waxed", "Slim", "Leather", "Cabin"), 1490, 24900, "Stitched to be mended"),
    ProductLine("Watches", ("Field Watch", "Dress Watch", "Diver", "Watch Strap", "Wall Clock"),
                ("Steel", "Automatic", "Blue", "Nato", "Minimal"), 1900, 49900, "Keeps time, asks for none"),
    ProductLine("Pets", ("Dog Bed", "Cat Tree", "Leash", "Food Bowl", "Brush"),
                ("Orthopaedic", "Corner", "Rope", "Ceramic", "Gentle"), 690, 11900, "Approved by its users"),
    ProductLine("Pantry", ("Olive Oil", "Honey", "Sea Salt", "Coffee Beans", "Dark Chocolate"),
                ("Early Harvest", "Wildflower", "Smoked", "Single-origin", "Organic"), 390, 3900, "Small producers"),
    ProductLine("Tools", ("Screwdriver Set", "Hammer", "Tape Measure", "Hand Saw", "Spirit Level"),
                ("Precision", "Hickory", "Magnetic", "Japanese", "Compact"), 890, 13900, "Lasts longer than the job"),
)  # fmt: skip


class Carrier(NamedTuple):
    """Who brings a parcel, and how its numbers start."""

    name: str
    prefix: str
    slug: str


CARRIERS = (
    Carrier("DHL", "JD", "dhl"),
    Carrier("DPD", "DP", "dpd"),
    Carrier("GLS", "GL", "gls"),
    Carrier("UPS", "1Z", "ups"),
    Carrier("CTT", "CT", "ctt"),
)
CANCEL_REASONS = ("Changed my mind", "Found it cheaper", "Ordered by mistake", "Delivery would take too long")
