"""What the shop's help pages say on warranty, repair, assembly and accounts."""

from llmops_pipelines.sample_company.knowledge.passage import parse_area

WARRANTY = parse_area(
    "warranty",
    """
# kb-141 Warranty periods
? How long is the warranty on my sofa?
? Is there a longer warranty for frames?
? What does the warranty cover?
. Sofas and beds carry a warranty of 5 years, solid oak frames one of 10 years.
= the warranty runs 5 years for sofas and beds and 10 years for solid oak frames |
. The warranty covers springs, seams and slats, fading by sunlight is outside.
= springs, seams and slats are covered by the warranty, with fading by sunlight outside |
. Registration in the app within 90 days adds one more year.
= one more year is added by registration in the app | within 90 days

# kb-142 Appliance guarantee
? What guarantee do your appliances have?
? Who pays for the technician under guarantee?
? Does the guarantee cover the compressor?
. Appliances of the Brightwell line carry a guarantee of 3 years.
= a guarantee of 3 years comes with appliances of the Brightwell line |
. Compressors and inverter motors are guaranteed for 10 years, parts only.
= for parts only, inverter motors and compressors are guaranteed for 10 years |
. During the first 2 years the technician and the journey are free.
= the technician and the journey are free | during the first 2 years

# kb-143 Booking a repair
? How do I book a repair?
? How long does a repair take?
? What does an inspection cost outside guarantee?
. Repairs are booked with the serial number printed inside the door.
= the serial number printed inside the door is used | to book repairs
. A technician from Tannery Lane visits within 6 working days.
= within 6 working days, a technician from Tannery Lane visits |
. Outside the guarantee an inspection costs 59 euros, credited against the repair.
= an inspection costs 59 euros, credited against the repair | outside the guarantee

# kb-144 Spare parts
? Where can I order spare parts?
? I lost the screws for my shelf, can you send some?
? How long do you stock spare parts?
. Screws, hinges and shelf pins are posted free within 3 working days.
= within 3 working days, screws, hinges and shelf pins are posted free |
. Spare parts for appliances stay in stock for 12 years after the last sale.
= appliances keep their spare parts in stock | for 12 years after the last sale
. The part code sits on page 4 of the manual.
= page 4 of the manual shows the part code |

! accidental flooding and vandalism entitle owners to {n} complimentary substitutes
! upholsterer {person} restitches cushions at our {place} workshop every spring
! the underwriter mails a laminated certificate together with {n} fabric swatches
! coverage may be transferred to relatives by visiting a solicitor in {place}
! mechanics diagnose faults remotely by video and waive {n} percent for seniors
""",
)

ASSEMBLY = parse_area(
    "assembly",
    """
# kb-151 Assembly service
? Can your fitters assemble the wardrobe?
? What does assembly cost?
? How soon can the fitters come?
. Fitters assemble wardrobes for 89 euros and beds for 55 euros.
= the fitters assemble beds for 55 euros and wardrobes for 89 euros |
. The appointment is within 7 days of delivery, on weekdays between 8:00 and 17:00.
= the appointment is on weekdays between 8:00 and 17:00 | within 7 days of delivery
. Fitters take the cartons along and leave two spare dowels.
= two spare dowels are left behind and the fitters take the cartons along |

# kb-152 Wall mounting
? Do you fix shelves to the wall?
? Which walls do you drill into?
? Is an anchor kit included?
. Wall mounting of shelves and cabinets costs 35 euros per piece.
= per piece, wall mounting of shelves and cabinets costs 35 euros |
. Fitters drill into brick and concrete; plasterboard needs the Hollow Anchor kit.
= plasterboard needs the Hollow Anchor kit, while fitters drill into brick and concrete |
. Every chest of drawers above 70 centimetres ships with a tip-over strap.
= a tip-over strap ships with every chest of drawers | above 70 centimetres

# kb-153 Connecting appliances
? Do you connect the washing machine?
? Who connects a gas hob?
? What does connecting a dishwasher cost?
. Connecting a washing machine or dishwasher costs 45 euros, hoses included.
= hoses included, connecting a dishwasher or washing machine costs 45 euros |
. Gas hobs are connected by the licensed firm Marlow and Sons only.
= only the licensed firm Marlow and Sons connects gas hobs |
. The tap must close and the socket must lie within 120 centimetres.
= the socket must lie within 120 centimetres and the tap must close |

# kb-154 Taking old items away
? Do you take my old sofa away?
? Is the removal of an old fridge free?
? What happens to old furniture you collect?
. Old fridges and washing machines are taken away free when a new one is delivered.
= old washing machines and fridges are taken away free | when a new one is delivered
. Removal of an old sofa or mattress costs 39 euros.
= for an old mattress or sofa, removal costs 39 euros |
. Usable pieces go to the Second Room charity in Oakfield.
= the Second Room charity in Oakfield receives usable pieces |

! apprentices supervised by {person} repaint ceilings for {n} dollars per bedroom
! power screwdrivers may be borrowed from partner libraries in {place} over {n} evenings
! our architects prepare blueprints and obtain municipal permits beforehand
! instruction videos are dubbed into {n} languages and shown on a tablet we lend
! scaffolding is hired from a contractor near {place} with {n} hours notice
""",
)

ACCOUNT = parse_area(
    "account",
    """
# kb-161 Leaf Club points
? How do I collect Leaf Club points?
? How much are my points worth?
? When do points expire?
. Leaf Club members collect 1 point per euro, double during June.
= members of the Leaf Club collect 1 point per euro, double | during June
. A balance of 500 points turns into a voucher of 10 euros.
= 500 points turn the balance into a voucher of 10 euros |
. Points expire 24 months after they were collected.
= points expire | 24 months after they were collected

# kb-162 Gift cards
? How long is a gift card valid?
? Can I use two gift cards for one order?
? How do I check what is left on my gift card?
. Gift cards hold between 15 and 500 euros and stay valid for 4 years.
= gift cards stay valid for 4 years and hold between 15 and 500 euros |
. Up to 3 gift cards can be combined in one order.
= one order can be combined with up to 3 gift cards |
. The remaining balance is shown after scratching the silver field and typing the code.
= typing the code after scratching the silver field shows the remaining balance |

# kb-163 Signing in
? I forgot my password, how do I sign in?
? Why is my account locked?
? Can I sign in without a password?
. A sign-in link is sent by e-mail and works for 15 minutes.
= the sign-in link works for 15 minutes and is sent by e-mail |
. After 5 wrong passwords the account is locked for an hour.
= the account is locked for an hour | after 5 wrong passwords
. Passkeys can be added under Profile, Security.
= passkeys can be added | under Profile, Security

# kb-164 Business accounts
? Do you offer business accounts?
? What discount do companies get?
? Can our office order on account?
. Business accounts need a VAT number and are opened within 2 working days.
= business accounts need a VAT number and are opened | within 2 working days
. Companies receive 6 percent discount from 3,000 euros of yearly turnover.
= companies receive a discount of 6 percent | from 3,000 euros of yearly turnover
. The office team in Harrow Mill plans workplaces free of charge.
= workplaces are planned free of charge by the office team | in Harrow Mill

! platinum travellers unlock {n} airport lounges after inviting {person}
! birthdays trigger a raffle whose winner spends {n} nights in {place}
! fingerprint enrolment happens at partner banks during business mornings
! dormant profiles are archived by a compliance bureau in {place} each quarter
! a personal concierge telephones every {n} days with curated recommendations
""",
)

STORES = parse_area(
    "stores",
    """
# kb-171 Opening hours
? When are your stores open?
? Is the Oakfield store open on Sunday?
? Until when is the cafe open?
. Stores open from 9:30 to 20:00, Monday to Saturday.
= Monday to Saturday, the stores open from 9:30 to 20:00 |
. The Oakfield store also opens on the first Sunday of the month from 12:00 to 18:00.
= the Oakfield store also opens from 12:00 to 18:00 | on the first Sunday of the month
. The cafe closes 45 minutes before the store.
= the cafe closes | 45 minutes before the store

# kb-172 Click and collect
? How does click and collect work?
? How long do you keep a collect order?
? What do I need to show at the collection desk?
. Click and collect orders are ready after 3 hours at the blue desk.
= click and collect orders are ready at the blue desk | after 3 hours
. They are kept for 6 days and then put back on the shelf.
= collect orders are put back on the shelf after being kept for 6 days |
. The collection code from the app and an identity card are shown at the desk.
= at the desk, an identity card and the collection code from the app are shown |

# kb-173 Van rental
? Can I rent a van from you?
? How much is the rental van?
? What licence do I need for the van?
. Rental vans stand at Harrow Mill and Tannery Lane for 14 euros an hour.
= rental vans stand at Tannery Lane and Harrow Mill | for 14 euros an hour
. The first 40 kilometres are included; each further one costs 35 cents.
= each further kilometre costs 35 cents, with the first 40 included |
. Drivers must be 21 and hold a licence of class B.
= drivers must hold a licence of class B and be 21 |

# kb-174 Planning a kitchen
? How do I book a kitchen planner?
? What does kitchen planning cost?
? Do you measure the kitchen at my home?
. Kitchen planning takes 90 minutes and is booked online at least 2 days ahead.
= kitchen planning is booked online and takes 90 minutes | at least 2 days ahead
. The planner measures at home for 75 euros, credited against the kitchen.
= for 75 euros, credited against the kitchen, the planner measures at home |
. Drawings stay stored for 18 months under the plan number.
= drawings stay stored under the plan number | for 18 months

! underground parking beneath {place} station validates {n} tickets for pensioners
! the rooftop cinema screens documentaries introduced by {person} at dusk
! a supervised nursery with {n} educators accepts infants during campaigns
! shuttle bus {n} terminates beside the lighting gallery near {place}
! weekend bazaars exchange vinyl records and vintage frames for coupons
""",
)
