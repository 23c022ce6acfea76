"""The emails of an order, in plain text."""

from bff.commerce.fulfilment.messages import NotifyCustomer
from bff.commerce.fulfilment.ports import Contact
from bff.commerce.mail import Email


def order_shipped(contact: Contact, notice: NotifyCustomer, *, email_id: str) -> Email:
    """Tell the customer that the order is on its way."""
    order_id = notice.order.order_id
    return Email(
        id=email_id,
        to=contact.email,
        subject=f"Your order {order_id} is on its way",
        text=(
            f"Hello {contact.name},\n\n"
            f"your order {order_id} has left our warehouse.\n"
            f"Tracking number: {notice.tracking_number}\n\n"
            "Thank you for shopping with us.\n"
        ),
    )
