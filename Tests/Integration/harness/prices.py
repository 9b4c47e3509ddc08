"""What the simulator's models cost, for providers whose prices nobody but their user knows."""


def price(input_usd, output_usd):
    return {"input": input_usd, "output": output_usd, "batch": {"input": input_usd / 2, "output": output_usd / 2}}


# USD for a million tokens.
PRICES = {"gpt-4o-mini": price(0.15, 0.6), "gpt-4.1-mini": price(0.4, 1.6), "gpt-5-mini": price(0.25, 2)}
