-- Actions are called `orders.placed`: the plugin that recorded one is known from its name.
UPDATE entries SET source = split_part(action, '.', 1) WHERE source = 'shop' AND action LIKE '%.%';
