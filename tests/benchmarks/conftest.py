from small_chest import attackers, detector, one_thread, small_chest

__all__ = ["attackers", "detector", "one_thread", "small_chest"]
