"""What the shop's help pages say on its sofas, beds, washing machines and ovens."""

from llmops_pipelines.sample_company.knowledge.passage import parse_area

SOFAS = parse_area(
    "sofas",
    """
# kb-181 Fjordlund sofa
? How wide is the Fjordlund sofa?
? Does the Fjordlund convert into a bed?
? How heavy is the Fjordlund?
. The Fjordlund sofa is 228 centimetres wide and weighs 71 kilograms.
= the Fjordlund sofa weighs 71 kilograms and is 228 centimetres wide |
. It unfolds into a bed of 140 by 200 centimetres.
= the Fjordlund unfolds into a bed | of 140 by 200 centimetres
. Its beech frame comes from Jutland sawmills.
= Jutland sawmills provide its beech frame |

# kb-182 Sofa covers
? Can the sofa covers be washed?
? How do I order a new cover?
? Which colours do the covers come in?
. Cotton covers are washed at 40 degrees, wool covers are dry cleaned.
= wool covers are dry cleaned, cotton covers are washed at 40 degrees |
. New covers come in 16 colours and cost 149 euros.
= for 149 euros, new covers come in 16 colours |
. A cover is sewn in Leiria and ships after 3 weeks.
= after 3 weeks, a cover sewn in Leiria ships |

# kb-183 Leather care
? How do I care for a leather sofa?
? What helps against scratches in leather?
? How far should leather stand from a radiator?
. Leather is wiped with a damp cloth and fed with Corvin balm twice a year.
= leather is fed with Corvin balm twice a year and wiped with a damp cloth |
. Fine scratches fade when rubbed with a warm dry cloth.
= when rubbed with a warm dry cloth, fine scratches fade |
. A leather sofa stands at least 50 centimetres away from radiators.
= a leather sofa stands away from radiators | at least 50 centimetres

# kb-184 Modular Hattie sofa
? Can I extend the Hattie sofa later?
? How many modules does Hattie have?
? How are the Hattie modules joined?
. The modular Hattie sofa has 9 modules that are joined with steel clips.
= steel clips join the 9 modules of the modular Hattie sofa |
. Modules can be added later as the line is kept until 2031.
= as the line is kept until 2031, modules can be added later |
. A corner module costs 389 euros and a footstool 179 euros.
= a footstool costs 179 euros and a corner module 389 euros |

! velvet cushions contain memory pellets patented by {person} after {n} trials
! a laboratory in {place} tested the recliner under {n} thousand cycles of vibration
! a refrigerated compartment beneath the armrest chills {n} beverage cans
! hand-painted limited editions are signed by invited sculptors
! the backrest massages shoulders with {n} infrared rollers
""",
)

BEDS = parse_area(
    "beds",
    """
# kb-191 Aurea mattress
? How firm is the Aurea mattress?
? How thick is the Aurea mattress?
? How do I wash the cover of the Aurea mattress?
. The Aurea mattress is 24 centimetres thick with 1,000 pocket springs.
= with 1,000 pocket springs, the Aurea mattress is 24 centimetres thick |
. It is sold in firmness 2, 3 and 4.
= the Aurea is sold in firmness 2, 3 and 4 |
. Its bamboo cover unzips and is washed at 60 degrees.
= washed at 60 degrees, its bamboo cover unzips |

# kb-192 Trial nights
? Can I try a mattress at home?
? How many trial nights do I get?
? What happens if I dislike the mattress?
. Every mattress comes with 100 trial nights when the protective sheet is used.
= every mattress comes with 100 trial nights | when the protective sheet is used
. One exchange for another firmness is free during the trial.
= one exchange for another firmness is free | during the trial
. After the trial the mattress is collected by a van from Tannery Lane.
= a van from Tannery Lane collects the mattress | after the trial

# kb-193 Slatted bases
? Which slatted base fits my mattress?
? How much weight does the slatted base hold?
? Can the headrest be adjusted?
. The Ribba slatted base has 28 birch slats and holds 130 kilograms.
= the Ribba slatted base holds 130 kilograms and has 28 birch slats |
. Its headrest is adjusted in 7 steps.
= the headrest is adjusted | in 7 steps
. The motor version Ribba E needs a socket within 2 metres.
= a socket within 2 metres is needed for the motor version Ribba E |

# kb-194 Bunk beds
? From what age is the bunk bed safe?
? How high is the bunk bed?
? How much does the bunk bed hold?
. The Tilda bunk bed is 162 centimetres high and suits children from 6 years.
= the Tilda bunk bed suits children from 6 years and is 162 centimetres high |
. Its ladder screws on at the left or right.
= the ladder screws on at the right or left |
. The upper bunk holds 80 kilograms and has a guard rail of 31 centimetres.
= a guard rail of 31 centimetres surrounds the upper bunk, which holds 80 kilograms |

! a sleep coach named {person} calibrates pressure zones across {n} appointments
! alpaca fleece harvested near {place} regulates humidity during heatwaves
! hydraulic pistons raise sleepers automatically at {n} o'clock
! dermatologists in {place} certified the pillow for {n} allergies
! each purchase plants {n} cherry trees along the railway embankment
""",
)

WASHING = parse_area(
    "washing",
    """
# kb-201 Brightwell W8
? How much laundry fits into the Brightwell W8?
? How loud is the Brightwell W8?
? How long is the quick programme of the W8?
. The Brightwell W8 holds 8 kilograms and spins at 1,400 turns per minute.
= the Brightwell W8 spins at 1,400 turns per minute and holds 8 kilograms |
. Its quick programme lasts 28 minutes for half a drum.
= the quick programme lasts 28 minutes | for half a drum
. It reaches 72 decibels during the spin.
= the W8 reaches 72 decibels | during the spin

# kb-202 Error codes
? What does error E18 mean?
? My washing machine shows E23.
? How do I reset the washing machine after an error?
. Code E18 means a blocked drain; the filter behind the flap is cleaned first.
= a blocked drain means code E18, so the filter behind the flap is cleaned first |
. Code E23 means the aqua stop has tripped.
= when the aqua stop has tripped, the code is E23 |
. Holding the start button for 8 seconds resets the panel.
= the panel resets | by holding the start button for 8 seconds

# kb-203 Descaling
? How often should I descale the machine?
? Which descaler should I use?
? Does hard water harm the washing machine?
. With water above 14 degrees of hardness the machine is descaled every 3 months.
= every 3 months the machine is descaled | with water above 14 degrees of hardness
. Use 120 grams of Kalkin powder at 60 degrees without laundry.
= use 120 grams of Kalkin powder without laundry | at 60 degrees
. The door seal is dried with a towel afterwards.
= afterwards the door seal is dried | with a towel

# kb-204 Dryer and stacking
? Can I stack a dryer on the washing machine?
? How much energy does the dryer use?
? Do I need a stacking kit?
. The Brightwell D7 dryer stacks on the W8 with kit SK-2 for 42 euros.
= the Brightwell D7 dryer stacks on the W8 | with kit SK-2 for 42 euros
. It uses 176 kilowatt hours a year with its heat pump.
= the dryer uses 176 kilowatt hours a year | with its heat pump
. The water tank is emptied after each load or drained by hose.
= the water tank is drained by hose or emptied after each load |

! ultrasonic bubbles developed with {person} sterilise sportswear at {n} bar
! a folding robot sorts shirts into {n} categories overnight
! firmware from {place} predicts stains through an optical scanner
! detergent capsules arrive by subscription every {n} weeks
! noise-cancelling panels mute vibration across {n} octaves
""",
)

OVENS = parse_area(
    "ovens",
    """
# kb-211 Cleaning an oven
? How do I clean the oven?
? How hot does the pyrolysis get?
? Can the oven door be taken off?
. Pyrolysis heats the Calder oven to 480 degrees for 2 hours.
= pyrolysis heats the Calder oven to 480 degrees | for 2 hours
. The trays and the telescopic rails are taken out first.
= the telescopic rails and the trays are taken out first |
. The door lifts off once both hinges are latched at 45 degrees.
= the door lifts off | once both hinges are latched at 45 degrees

# kb-212 Induction hobs
? Which pans work on the induction hob?
? Why does my hob switch itself off?
? What fuse does the hob need?
. The Calder induction hob works with pans of 12 centimetres and more.
= pans of 12 centimetres and more work with the Calder induction hob |
. It switches itself off after 90 minutes without a touch.
= the hob switches itself off | after 90 minutes without a touch
. It needs three phases and a fuse of 16 amperes.
= the hob needs a fuse of 16 amperes and three phases |

# kb-213 Extractor hoods
? How often do I change the hood filter?
? How do I wash the grease filter?
? How strong is the extractor hood?
. The Calder hood moves 620 cubic metres an hour on level 4.
= the Calder hood moves 620 cubic metres an hour | on level 4
. Grease filters go into the dishwasher every 4 weeks.
= grease filters go into the dishwasher | every 4 weeks
. Charcoal filters CF-9 are replaced after 5 months.
= charcoal filters CF-9 are replaced | after 5 months

# kb-214 Fridges
? What temperature should the fridge have?
? How long must a fridge stand before I switch it on?
? What energy class is the Nordby fridge?
. The Nordby fridge is set to 5 degrees and its freezer to minus 18 degrees.
= the freezer is set to minus 18 degrees and the Nordby fridge to 5 degrees |
. After transport it stands upright for 4 hours before it is switched on.
= before it is switched on, the fridge stands upright for 4 hours | after transport
. It belongs to energy class B and uses 124 kilowatt hours a year.
= the fridge uses 124 kilowatt hours a year and belongs to energy class B |

! chef {person} streams {n} recipes onto the built-in touchscreen
! volcanic glass quarried near {place} withstands {n} thousand impacts
! vegetables stay crunchy for {n} weeks thanks to argon cartridges
! voice commands unlock a smoking chamber with cedar aroma
! rooftop solar panels feed surplus heat to {n} households in {place}
""",
)
