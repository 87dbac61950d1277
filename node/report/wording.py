"""The fixed sentences that people read in every object. One constant each, so that no two objects differ."""

NOT_FOR_DIAGNOSIS = "AI result - not for diagnosis; requires physician review"
NO_LESION = "No lesion segmented by this software"
NOT_SEARCHED = "Lesions were not searched for in this analysis"
NOT_PROCESSED = "This series was not processed by this software; no statement about its content is made"
NOT_SEGMENTED = "not segmented by this software"
