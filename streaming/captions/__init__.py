"""Words with speakers: a recogniser's words and the engine's turns, joined as both come in and change."""
