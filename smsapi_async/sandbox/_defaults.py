"""The catalogue of `Scenario()`. It is small, and has the oddities of the real one: digit names, no stock, no rate.
Source: the shapes of tests/samples; the amounts are invented."""

from ._goods import Country, Hosting, Offer, Tariff, prices

COUNTRIES = (
    Country("russia", "ru", "+7", "Russia", "Россия"),
    Country("england", "gb", "+44", "England", "Англия", mobile="7350", digits=6, unlisted=frozenset({"virtual52"})),
    Country("usa", "us", "+1", "USA", "США", mobile="332"),
    Country("afghanistan", "af", "+93", "Afghanistan", "Афганистан", mobile="70"),
)

OFFERS = (
    Offer("russia", "telegram", "beeline", "0.32", 1260, "99.99"),
    Offer("russia", "telegram", "mts", "0.2875", 935, "87.5"),
    Offer("russia", "telegram", "tele2", "0.3256", 0, "42"),
    Offer("russia", "vkontakte", "beeline", "0.21", 133, "99.99"),
    Offer("russia", "facebook", "tele2", "0.2", 500, "13.04"),
    Offer("russia", "google", "mts", "0.15", 500, 0),
    Offer("russia", "amazon", "beeline", "0.12", 500),
    Offer("russia", "whatsapp", "megafon", "0.5", 500, "35.2", {"rate1": "40", "rate24": "36.1", "rate720": "31"}),
    Offer("russia", "1688", "lycamobile", 4, 935, "99.99"),
    Offer("england", "telegram", "vodafone", "0.8", 400, "62.1"),
    Offer("england", "telegram", "virtual52", "0.0641", 0, "6.84"),
    Offer("england", "facebook", "vodafone", "0.0641", 1260, "99.99"),
    Offer("england", "google", "virtual52", "0.2", 42),
    Offer("england", "amazon", "vodafone", "0.14", 500),
    Offer("usa", "telegram", "virtual40", "1.1", 300, "50.5"),
    Offer("usa", "whatsapp", "virtual40", "0.9", 300),
    Offer("afghanistan", "telegram", "virtual18", 4, 1260, "99.99"),
    Offer("afghanistan", "telegram", "virtual23", 4, 935, "99.99"),
    Offer("afghanistan", "telegram", "virtual4", 4, 0, "99.99"),
)

HOSTING = (Hosting("3hours", "2.5", 50, 3 * 3600), Hosting("1day", 8, 14, 86400))

TARIFFS = (
    Tariff(7, "Russia", {1: 40, 7: "251.5", 15: 450, 30: 900}, {1: 20, 7: 12, 15: 6, 30: 3}, 30, new=True),
    Tariff(46, "Sweden", {1: "36.125", 7: 200}, {1: 20, 7: 0}, 36, position=2, mobile="991"),
    Tariff(77, "Kazakhstan", {1: 50}, {1: 5}, 45, enabled=False, position=3, mobile="701"),
)

WALLETS = prices({"fkwallet": "43339.55", "payeer": "2117.32", "unitpay": "97.6"})
