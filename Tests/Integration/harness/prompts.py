"""Prompts as real ones are: of several lengths and languages, with systems, authors, functions and schemas."""
import random

from harness.jobs import chat

TEXTS = [
    "Please summarise the customer's complaint in one sentence, and say which product it is about and since when it fails.",
    "def merge(left, right):\n    out = []\n    while left and right:\n        out.append((left if left[0] <= right[0] "
    "else right).pop(0))\n    return out + left + right\n",
    "Die Lieferung kam drei Tage zu spät, die Verpackung war beschädigt, und niemand ging ans Telefon.",
    "La factura 2024-117 incluye un recargo que nadie me explicó; ¿pueden revisarla y devolverme la diferencia?",
    "東京の朝は静かで、電車はまだ空いている。駅前のパン屋だけがもう開いていた。",
    "Заказ оформлен вчера, но письмо с подтверждением так и не пришло.",
    "طلبت المنتج قبل أسبوع ولم يصلني أي إشعار بالشحن حتى الآن.",
    '{"id": 48213, "status": "refunded", "lines": [{"sku": "AB-1290", "qty": 2}, {"sku": "ZX-7", "qty": 1}]}',
    "Order 8841-B: 3 x 129.90 EUR, 2 x 18.45 EUR, minus 10 %, plus 19 % VAT, paid on 2026-03-14.",
]
FUNCTION = {"type": "function", "function": {
    "name": "find_order", "description": "Find an order by its number or by the customer's address.",
    "parameters": {"type": "object", "properties": {
        "number": {"type": "string", "description": "The order's number, e.g. 8841-B."},
        "state": {"type": "string", "description": "Only orders in this state", "enum": ["open", "sent", "refunded"]},
        "year": {"type": "integer", "description": "The year in which it was made"}}, "required": ["number"]}}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "complaint", "strict": True, "schema": {
    "type": "object", "additionalProperties": False, "required": ["product", "summary"],
    "properties": {"product": {"type": "string"}, "summary": {"type": "string", "description": "One sentence."}}}}}


def mixed(model, name, number):
    """The body of a chat whose form follows from the number; the name makes it unique, and begins its last message."""
    chance = random.Random(number)
    text = f"{name}: " + " ".join(chance.choice(TEXTS) for _ in range(1 + min(int(chance.expovariate(0.25)), 40)))
    body = chat(model, text, max_tokens=8)
    turns = body["messages"]
    if number % 3 == 1:
        turns.insert(0, {"role": "system", "content": "You answer for a shop. Be short, be kind, promise nothing."})
    if number % 4 == 2:
        turns[-1:-1] = [{"role": "user", "name": "ann", "content": chance.choice(TEXTS)},
                        {"role": "assistant", "content": "Thank you, I am looking into it."}]
    if number % 5 == 3:
        body["tools"] = [FUNCTION]
    if number % 7 == 4:
        body["response_format"] = SCHEMA
    return text, body
