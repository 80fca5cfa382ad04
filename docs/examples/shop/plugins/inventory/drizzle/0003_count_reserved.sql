-- What is held was counted from the lines at every look; from now on it stands beside the stock.
UPDATE stock_levels SET reserved = held.quantity
FROM (
  SELECT product_id, sum(quantity)::integer AS quantity
  FROM reservation_lines JOIN reservations ON reservations.id = reservation_id
  WHERE status = 'held'
  GROUP BY product_id
) AS held
WHERE held.product_id = stock_levels.product_id;
