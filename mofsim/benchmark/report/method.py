"""What a reader of the report should know of how its numbers came about."""

METHOD = (
    "A column has the results of one model with one preset, precision and dispersion, and with the same "
    "parameters. What was computed otherwise is a column of its own. Speeds are given for each device alone.",
    "Every score is the mean over structures of one number for each; a speed is the median. The interval is a "
    "percentile bootstrap over structures, with the seed and number of resamples that the JSON export names. An "
    "interval without width says that the structures agree, not that the next one will.",
    "A failure of the model counts against it: in a share it is a no, in a rank it is last on its structure. "
    "Errors are those of the structures that were answered, so read them with the number of failures. What a "
    "worker, a device, a disk or a person ended is not counted, and is named.",
    "“Without a model” is what somebody gets who computes nothing. Volumes: the cell as it was submitted, which "
    "is often within 10 % already. Stability: nothing moves. Bulk moduli and heat capacities: the median of the "
    "other structures' references. Interaction energies: zero.",
    "A volume is compared in the reference's cell: the submitted cell must be an integer number of those, or a "
    "part, within 25 %. A bulk modulus is excluded when the minimum of its fit is more than 1 % from the relaxed "
    "volume or outside of the volumes that were computed. A heat capacity is that at 300 K.",
    "References are numbers of DFT, or of a file, and not of nature: a model comes as near to them as the functional "
    "that it was trained on, and misses a reference of another functional by the difference of the two.",
    "Ranks are of mean ranks over the structures that all columns of a preset were tried on. Presets are never "
    "ranked together.",
)
