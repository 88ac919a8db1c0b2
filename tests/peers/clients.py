"""The clients that are tried, each with the scenario that suits it where no document decides."""

from typing import Any

from tests.peers.running import Peer

EVERY_FIELD: dict[str, Any] = {"order_form": "full", "empty_answer": "{}", "max_prices_stamp": "created_at"}
WHOLE_PRICES = [{"code": 7, "name": "Russia", "days": {"1": 40, "7": 250}, "count": {"1": 9, "7": 9}, "extend": 30}]
VENDOR: dict[str, Any] = {
    "rent_message_form": "list",
    "rent_close_success": "1",
    "rent_empty_map": "{}",
    "tariff_names": True,
    "money_form": "text",
    "tariffs": WHOLE_PRICES,
}

PEERS = (
    Peer("fivesim 1.2.0", ["fivesim==1.2.0"], "call_fivesim", suited=EVERY_FIELD),
    Peer("PyFiveSim 1.0.4, synchronous", ["PyFiveSim==1.0.4"], "call_pyfivesim", ["PyFiveSimSync"], EVERY_FIELD),
    Peer("PyFiveSim 1.0.4, asynchronous", ["PyFiveSim==1.0.4"], "call_pyfivesim", ["PyFiveSimAsync"], EVERY_FIELD),
    Peer("fivesimapi 0.2", ["fivesimapi==0.2"], "call_fivesimapi", suited=EVERY_FIELD),
    Peer("PanjSim 1.0.4", ["PanjSim==1.0.4"], "call_panjsim", suited=EVERY_FIELD),
    Peer("api5simbiz 1.0.0", ["api5simbiz==1.0.0"], "call_api5simbiz", suited=EVERY_FIELD),
    Peer(
        "onlinesimru 2.1.3 with pydantic 1.10",
        ["onlinesimru==2.1.3", "pydantic>=1.10,<2"],
        "call_onlinesimru",
        suited=VENDOR,
    ),
    Peer(
        "onlinesimru 2.1.3 with pydantic 2", ["onlinesimru==2.1.3", "pydantic>=2,<3"], "call_onlinesimru", suited=VENDOR
    ),
    Peer("pyonlinesim 1.1.3", ["pyonlinesim==1.1.3"], "call_pyonlinesim", suited={"rent_extend_form": "list"}),
)
