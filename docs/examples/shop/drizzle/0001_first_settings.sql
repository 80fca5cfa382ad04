INSERT INTO shop_settings (key, value) VALUES ('name', 'The shop');
