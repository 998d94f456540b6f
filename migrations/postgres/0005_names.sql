-- One name for one thing: columns take the names that the code and Stripe use.
alter table billing_state rename column generation to version;
alter table billing_state rename column spare_card to other_payment_method;
alter table billing_state rename column spare_card_id to other_payment_method_id;
