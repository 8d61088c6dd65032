"""What hocket is held to. A package, so that no other one called so can stand in its place."""
