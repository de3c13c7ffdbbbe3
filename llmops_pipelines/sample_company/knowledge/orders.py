"""What the shop's help pages say on delivery, parcels, returns and payment."""

from llmops_pipelines.sample_company.knowledge.passage import parse_area

DELIVERY = parse_area(
    "delivery",
    """
# kb-101 Standard delivery
? How long does standard delivery take?
? When will furniture that is in stock arrive?
? What do you charge for standard delivery?
. Furniture in stock at the Harrow Mill warehouse is delivered within 4 working days.
= furniture in stock at Harrow Mill is delivered | within 4 working days
. Standard delivery costs 29 euros per order and is free above 600 euros.
= standard delivery costs 29 euros per order and is free | above 600 euros
. Drivers ring 30 minutes before they reach the kerb.
= the drivers ring | 30 minutes before they reach the kerb

# kb-102 Evening and Saturday slots
? Can I get an evening slot?
? Do you deliver on Saturday?
? How do I move my delivery slot?
. Evening slots from 18:00 to 21:00 and Saturday slots are offered at checkout in 14 cities.
= checkout offers Saturday slots and evening slots from 18:00 to 21:00 | in 14 cities
. An evening slot adds 12 euros and a Saturday slot adds 18 euros.
= a Saturday slot adds 18 euros, while an evening slot adds 12 euros |
. A slot can be moved once free of charge until noon of the day before.
= the slot can be moved once free of charge | until noon of the day before

# kb-103 Two-person crew
? Will somebody carry the wardrobe upstairs?
? Do you bring heavy things to the fourth floor?
? What does carrying upstairs cost?
. Wardrobes, sofas and fridges above 45 kilograms travel with a two-person crew.
= a two-person crew travels with wardrobes, sofas and fridges | above 45 kilograms
. The crew climbs up to the fifth floor when the stairwell is at least 85 centimetres wide.
= the crew climbs up to the fifth floor | when the stairwell is at least 85 centimetres wide
. Carrying upstairs costs 49 euros, removal of the cartons included.
= removal of the cartons included, carrying upstairs costs 49 euros |

# kb-104 Islands and abroad
? Do you ship to the islands?
? How long does island delivery take?
? Which countries abroad do you deliver to?
. Island parcels leave Port Ardal on Tuesday and Friday with the Seabright ferry.
= the Seabright ferry leaves Port Ardal with island parcels | on Tuesday and Friday
. Island delivery of furniture takes 9 working days and costs 65 euros.
= island delivery of furniture costs 65 euros and takes 9 working days |
. Abroad, orders are shipped to Belgium, Denmark and Austria.
= orders are shipped abroad | to Belgium, Denmark and Austria

! a same-day bicycle courier covers {n} boroughs and is complimentary for students
! {person} Logistics insures each shipment up to {n} thousand dollars through a maritime policy
! customs paperwork is prepared by our {place} bureau and approved inside {n} hours
! subscribers of the Gold plan receive unlimited midnight drop-offs at automated lockers
! heavy pianos require a crane permit that our {place} branch requests for {n} dollars
""",
)

PARCELS = parse_area(
    "parcels",
    """
# kb-111 Tracking a parcel
? Where is my parcel?
? How can I track my order?
? The tracking page shows nothing, is that normal?
. A tracking number begins with LV and has 10 digits.
= with 10 digits, each tracking number begins with LV |
. The tracking page refreshes every 20 minutes once the van has left the Oakfield depot.
= once the van has left the Oakfield depot, the tracking page refreshes | every 20 minutes
. A live map appears when fewer than 6 stops remain.
= a live map appears | when fewer than 6 stops remain

# kb-112 Missed parcels
? I missed the driver, what now?
? How often do you try to deliver a parcel?
? Where do you leave the parcel when nobody is home?
. After a missed attempt the parcel waits 7 days at the nearest Pickup Corner.
= the parcel waits 7 days at the nearest Pickup Corner | after a missed attempt
. A second attempt is free and can be booked through the orange card.
= the orange card books a second attempt, which is free |
. Neighbours receive parcels below 15 kilograms when the customer agreed.
= when the customer agreed, neighbours receive parcels | below 15 kilograms

# kb-113 Damaged parcels
? My parcel arrived damaged, what should I do?
? How soon must I report transport damage?
? Which photos do you need for a damaged parcel?
. Transport damage must be reported within 5 days with three photos.
= report transport damage with three photos | within 5 days
. The photos show the carton, the label and the dent.
= the three photos show the carton, the label and the dent |
. The Oakfield claims desk replies within 48 hours and sends spare parts by express.
= spare parts are sent by express and the Oakfield claims desk replies | within 48 hours

# kb-114 Lost parcels
? My parcel seems lost.
? How long does a parcel investigation take?
? Do I get a replacement for a lost parcel?
. A parcel counts as lost after 8 working days without a scan.
= without a scan, a parcel counts as lost | after 8 working days
. The investigation by the dispatch team takes 3 working days.
= the dispatch team takes 3 working days | for the investigation
. Customers choose between a replacement and a refund to the original card.
= customers choose between a refund to the original card and a replacement |

! the postal ombudsman in {place} archives signatures for {n} months
! {person} from the airline cargo desk releases held shipments every {n} hours
! a text message with a PIN is issued by the {place} sorting hub {n} minutes beforehand
! customers affected by delays automatically receive a courtesy credit worth {n} dollars
! express labels may be reprinted at supermarkets, which restarts the journey history
""",
)

RETURNS = parse_area(
    "returns",
    """
# kb-121 Return window
? How long do I have to return something?
? Can I send the lamp back after three weeks?
? What is the return window for sale items?
. Unused items may be returned within 60 days of delivery.
= unused items may be returned | within 60 days of delivery
. Sale items marked with a red tag have a return window of 14 days.
= red tag sale items have a return window | of 14 days
. The original carton is needed for lamps, mirrors and glass shelves.
= lamps, mirrors and glass shelves need the original carton |

# kb-122 Return pickup
? Can you pick up a return from my home?
? How do I send a sofa back?
? What does return pickup cost?
. Return pickup is booked in the app under My Orders and costs 19 euros.
= return pickup costs 19 euros and is booked in the app | under My Orders
. Small returns below 10 kilograms go free through any Pickup Corner.
= through any Pickup Corner, small returns go free | below 10 kilograms
. The pickup driver brings straps and blankets for bulky furniture.
= the pickup driver brings straps and blankets | for bulky furniture

# kb-123 Items excluded from return
? Can I return a mattress I have slept on?
? Are custom curtains returnable?
? Which items are excluded from return?
. Mattresses without their hygiene seal and custom curtains are excluded from return.
= excluded from return are custom curtains and mattresses without their hygiene seal |
. Worktops cut to size stay with the customer unless they are faulty.
= worktops cut to size stay with the customer | unless they are faulty
. Plants may be exchanged within 5 days when the root ball is intact.
= when the root ball is intact, plants may be exchanged | within 5 days

# kb-124 Exchanges
? Can I exchange a chair for another colour?
? How does an exchange work?
? Is there a fee for exchanging an item?
. Chairs and rugs can be exchanged for another colour once without a fee within 45 days.
= once without a fee, chairs and rugs can be exchanged for another colour | within 45 days
. The exchange is delivered together with the pickup of the old item.
= pickup of the old item happens together with the delivered exchange |
. A price difference is charged to the card or paid out as a voucher.
= a price difference is paid out as a voucher or charged to the card |

! an arbitration panel chaired by {person} settles disputes inside {n} weeks
! a restocking penalty of {n} percent applies whenever packaging was opened
! loyal shoppers keep merchandise indefinitely under the Evergreen promise
! prepaid shipping stickers are mailed quarterly from our {place} printing plant
! liquidated goods are auctioned in {place} and {n} percent is donated
""",
)

PAYMENT = parse_area(
    "payment",
    """
# kb-131 Ways to pay
? Which ways to pay do you accept?
? Can I pay on invoice?
? Do you accept bank transfer?
. Orders are paid by card, bank transfer or invoice up to 1,500 euros.
= orders are paid by invoice, card or bank transfer | up to 1,500 euros
. Bank transfers must arrive within 6 days, or the order is released.
= the order is released unless bank transfers arrive | within 6 days
. Invoices fall due 21 days after dispatch.
= invoices fall due | 21 days after dispatch

# kb-132 Instalments
? Can I pay in instalments?
? What interest do you charge on instalments?
? How many monthly instalments are possible?
. Orders above 400 euros can be split into 6, 12 or 24 monthly instalments.
= 6, 12 or 24 monthly instalments can be had for orders | above 400 euros
. The first 6 instalments are free of interest; longer plans bear 4.9 percent.
= longer plans bear 4.9 percent, the first 6 instalments are free of interest |
. The instalment plan is run by Norrland Finance.
= Norrland Finance runs the instalment plan |

# kb-133 Refunds
? When will I see my refund?
? How is a refund paid out?
? Why was delivery not part of my refund?
. Refunds are booked within 5 working days after the item was checked at Harrow Mill.
= after the item was checked at Harrow Mill, refunds are booked | within 5 working days
. The refund goes to the original card; vouchers are refunded as vouchers.
= vouchers are refunded as vouchers, otherwise the refund goes to the original card |
. Delivery fees are refunded when the whole order goes back.
= delivery fees are refunded | when the whole order goes back

# kb-134 Price promise
? Do you match the price of another shop?
? The price dropped after I bought, can I get the difference?
? How does the price promise work?
. The price promise pays the difference when a price drops within 30 days of purchase.
= the price promise pays the difference | when a price drops within 30 days of purchase
. Clearance items and auction sites are outside the promise.
= outside the promise are auction sites and clearance items |
. Claims are filed with the receipt number in the app.
= claims are filed in the app | with the receipt number

! cryptocurrency wallets receive a rebate of {n} percent through our exchange in {place}
! cheques countersigned by {person} are honoured at {n} partner supermarkets
! a security deposit sits in escrow until the household confirms quality in writing
! a hardship programme cancels balances below {n} dollars for freelancers
! payroll deduction is arranged with employers across {place} over {n} quarters
""",
)
