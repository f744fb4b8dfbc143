"""What the shipped policies are known to do, with room for a change that is not for the worse: the
bounds of the quick form. They are measured and not asked for: what is asked for stands beside each
scenario.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from policies.simulate import Bound

QUICK_SEEDS = 3
REGRESSION: Mapping[str, tuple[Bound, ...]] = MappingProxyType(
    {
        "unequal": (Bound("wait", most=0.26),),
        "brown-out": (Bound("late", most=0.02), Bound("wait", most=0.62)),
        "brown-out, quiet": (Bound("looks", most=1.5), Bound("wait", most=0.9)),
        "brown-out, 4 instances": (Bound("wait", most=0.65),),
        "slow ramp": (Bound("p99 / best", most=1.2), Bound("flaps", most=2.0)),
        "new target": (Bound("early", most=0.10), Bound("wait", most=0.58)),
        "errors 30 %": (Bound("answered", least=0.997), Bound("sends", most=1.02)),
        "errors everywhere": (Bound("answered", least=0.86), Bound("sends", most=1.30)),
        "flapping": (Bound("answered", least=0.998), Bound("waste", most=0.03)),
        "correlated outage": (Bound("answered", least=0.99), Bound("sends", most=1.10)),
        "full outage": (Bound("sends", most=1.25), Bound("whole", most=20.0)),
        "silent tier": (Bound("answered", least=0.999), Bound("longest", most=125.0)),
        "429 storm": (Bound("of most", least=0.93), Bound("parked", most=61.0)),
        "lying headers": (Bound("of most", least=0.84), Bound("parked", most=61.0)),
        "capacity loss": (Bound("of most", least=0.99),),
        "heavy tails": (Bound("uneven", most=1.10), Bound("overshoot", most=1.08)),
        "retry storm": (Bound("answered", least=0.75), Bound("sends", most=1.5)),
        "noisy tenant": (Bound("answered", least=0.45),),
    }
)
