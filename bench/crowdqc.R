# Runs CrowdQC+ on the values of a city; called by bench/crowdqc.py.
#
#   Rscript crowdqc.R SOURCES VALUES FLAGS LIMIT
#
# SOURCES is CrowdQC+'s folder R. VALUES is a CSV with p_id, time, ta, lon, lat and z, in the order of p_id and time. FLAGS
# gets a line for each value: 1 if it was filtered, else 0. LIMIT is that of CrowdQC+'s two tests of single values (m2 and
# m5), in standard deviations of a normal distribution; "default" leaves both as they are.
suppressPackageStartupMessages(library(data.table))
given <- commandArgs(trailingOnly = TRUE)
for (file in c("cqcp_helper.R", "cqcp_filter.R")) source(file.path(given[1], file))

setDTthreads(1)
values <- fread(given[2])
values[, time := as.POSIXct(time, origin = "1970-01-01", tz = "UTC")]
# A few days are less than the month that its settings are for. A station without neighbours says nothing of its values.
settings <- list(complete = TRUE, m5_keep_isolated = TRUE, includeOptional = FALSE, quiet = TRUE)
if (given[4] != "default") {
  tail <- pnorm(-as.numeric(given[4]))
  settings <- c(settings, m2_low = tail, m2_high = 1 - tail, m5_alpha = 2 * tail)
}
found <- do.call(cqcp_qcCWS, c(list(data = values), settings))
setkey(found, p_id, time)
writeLines(ifelse(found$m5, "0", "1"), given[3])
