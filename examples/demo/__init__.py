"""The conversation that `hocket demo` plays, found as data of the package `hocket.demo`."""
