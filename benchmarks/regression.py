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
        "unequal": (Bound("wait", most=0.25),),
        "brown-out": (Bound("late", most=0.01), Bound("back", most=35.0), Bound("wait", most=0.55)),
        "brown-out, quiet": (Bound("looks", most=1.4), Bound("wait", most=0.70)),
        "brown-out, 4 instances": (Bound("wait", most=0.58),),
        "slow ramp": (Bound("p99 / best", most=1.2), Bound("flaps", most=2.0)),
        "new target": (Bound("early", most=0.10), Bound("step", most=1.3)),
        "back after ten minutes": (Bound("early", most=0.10), Bound("step", most=1.3)),
        "errors 30 %": (Bound("answered", least=0.998), Bound("sends", most=1.02)),
        "errors everywhere": (Bound("answered", least=0.86), Bound("sends", most=1.25)),
        "flapping": (Bound("answered", least=0.998), Bound("waste", most=0.02)),
        "correlated outage": (
            Bound("answered", least=0.999),
            Bound("sends", most=1.05),
            Bound("spend", most=2.0),
        ),
        "full outage": (Bound("sends", most=1.25), Bound("whole", most=10.0)),
        "silent tier": (Bound("answered", least=1.0), Bound("longest", most=5.0)),
        "429 storm": (Bound("of most", least=0.95), Bound("refused", most=0.01)),
        "lying headers": (Bound("of most", least=0.93), Bound("refused", most=0.022)),
        "capacity loss": (Bound("of most", least=0.98), Bound("held", least=0.8, most=1.2)),
        "heavy tails": (Bound("uneven", most=1.10), Bound("overshoot", most=1.08)),
        "retry storm": (Bound("whole", most=45.0),),
        "noisy tenant": (Bound("tenant", least=0.99), Bound("gap", most=0.7)),
    }
)
