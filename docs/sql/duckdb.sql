-- Made by docs/generate.py from src/forecast/zone/ddl.py: do not edit it by hand.
CREATE OR REPLACE VIEW observations AS
SELECT * FROM read_parquet('processed/current/**/*.parquet', hive_partitioning = true, union_by_name = true);
COMMENT ON VIEW observations IS 'each observation once, with its flags';
COMMENT ON COLUMN observations."station_id" IS 'station';
COMMENT ON COLUMN observations."timestamp" IS 'time of the observation';
COMMENT ON COLUMN observations."latitude" IS 'WGS 84; degrees_north';
COMMENT ON COLUMN observations."longitude" IS 'WGS 84; degrees_east';
COMMENT ON COLUMN observations."elevation" IS 'height of the station above mean sea level; m';
COMMENT ON COLUMN observations."air_temperature" IS 'Temperature of the air in the screen; °C';
COMMENT ON COLUMN observations."air_temperature_flag" IS 'QARTOD flag of air_temperature; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."dew_point_temperature" IS 'Temperature to which the air would have to cool to be saturated; °C';
COMMENT ON COLUMN observations."dew_point_temperature_flag" IS 'QARTOD flag of dew_point_temperature; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."relative_humidity" IS 'Relative humidity of the air; %';
COMMENT ON COLUMN observations."relative_humidity_flag" IS 'QARTOD flag of relative_humidity; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."air_temperature_min_1h" IS 'Lowest air temperature of the last hour; °C';
COMMENT ON COLUMN observations."air_temperature_min_1h_flag" IS 'QARTOD flag of air_temperature_min_1h; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."air_temperature_max_1h" IS 'Highest air temperature of the last hour; °C';
COMMENT ON COLUMN observations."air_temperature_max_1h_flag" IS 'QARTOD flag of air_temperature_max_1h; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."air_pressure_at_mean_sea_level" IS 'Air pressure, reduced to mean sea level by the station; hPa';
COMMENT ON COLUMN observations."air_pressure_at_mean_sea_level_flag" IS 'QARTOD flag of air_pressure_at_mean_sea_level; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."surface_air_pressure" IS 'Air pressure at the station''s own height, not reduced; hPa';
COMMENT ON COLUMN observations."surface_air_pressure_flag" IS 'QARTOD flag of surface_air_pressure; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."air_pressure_at_mean_sea_level_qnh" IS 'QNH of an aerodrome: reduced by the standard atmosphere, mostly cut to whole hPa; no pressure at sea level; hPa';
COMMENT ON COLUMN observations."air_pressure_at_mean_sea_level_qnh_flag" IS 'QARTOD flag of air_pressure_at_mean_sea_level_qnh; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."wind_speed" IS 'Mean wind speed over the source''s interval; m/s';
COMMENT ON COLUMN observations."wind_speed_flag" IS 'QARTOD flag of wind_speed; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."wind_speed_of_gust" IS 'Highest gust of the source''s interval; m/s';
COMMENT ON COLUMN observations."wind_speed_of_gust_flag" IS 'QARTOD flag of wind_speed_of_gust; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."wind_speed_of_gust_10min" IS 'Highest gust of the last ten minutes; m/s';
COMMENT ON COLUMN observations."wind_speed_of_gust_10min_flag" IS 'QARTOD flag of wind_speed_of_gust_10min; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."wind_speed_of_gust_1h" IS 'Highest gust of the last hour; m/s';
COMMENT ON COLUMN observations."wind_speed_of_gust_1h_flag" IS 'QARTOD flag of wind_speed_of_gust_1h; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."wind_from_direction" IS 'Direction the wind comes from, clockwise; 360 is north; °';
COMMENT ON COLUMN observations."wind_from_direction_flag" IS 'QARTOD flag of wind_from_direction; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."rainfall_rate" IS 'Rainfall rate of the moment; not to be summed; mm/h';
COMMENT ON COLUMN observations."rainfall_rate_flag" IS 'QARTOD flag of rainfall_rate; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."precipitation_amount_6min" IS 'Precipitation of the last six minutes; mm';
COMMENT ON COLUMN observations."precipitation_amount_6min_flag" IS 'QARTOD flag of precipitation_amount_6min; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."precipitation_amount_10min" IS 'Precipitation of the last ten minutes; mm';
COMMENT ON COLUMN observations."precipitation_amount_10min_flag" IS 'QARTOD flag of precipitation_amount_10min; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."precipitation_amount_1h" IS 'Precipitation of the sliding hour; rows at 10 minutes overlap; mm';
COMMENT ON COLUMN observations."precipitation_amount_1h_flag" IS 'QARTOD flag of precipitation_amount_1h; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."precipitation_amount_3h" IS 'Precipitation of the last three hours; mm';
COMMENT ON COLUMN observations."precipitation_amount_3h_flag" IS 'QARTOD flag of precipitation_amount_3h; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."precipitation_amount_6h" IS 'Precipitation of the last six hours; mm';
COMMENT ON COLUMN observations."precipitation_amount_6h_flag" IS 'QARTOD flag of precipitation_amount_6h; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."precipitation_amount_12h" IS 'Precipitation of the last twelve hours; mm';
COMMENT ON COLUMN observations."precipitation_amount_12h_flag" IS 'QARTOD flag of precipitation_amount_12h; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."precipitation_amount_24h" IS 'Precipitation of the last 24 hours; mm';
COMMENT ON COLUMN observations."precipitation_amount_24h_flag" IS 'QARTOD flag of precipitation_amount_24h; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."precipitation_counter" IS 'Precipitation since the station''s own reset (mostly local midnight); mm';
COMMENT ON COLUMN observations."precipitation_counter_flag" IS 'QARTOD flag of precipitation_counter; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."precipitation_amount" IS 'Precipitation since the previous observation, from the counter; a fall of the counter is a reset; mm';
COMMENT ON COLUMN observations."precipitation_amount_flag" IS 'QARTOD flag of precipitation_amount; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."visibility_in_air" IS 'Horizontal visibility; m';
COMMENT ON COLUMN observations."visibility_in_air_flag" IS 'QARTOD flag of visibility_in_air; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."cloud_area_fraction" IS 'Total cloud cover in eighths; 9 is sky obscured; okta';
COMMENT ON COLUMN observations."cloud_area_fraction_flag" IS 'QARTOD flag of cloud_area_fraction; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."surface_snow_thickness" IS 'Depth of the snow on the ground; cm';
COMMENT ON COLUMN observations."surface_snow_thickness_flag" IS 'QARTOD flag of surface_snow_thickness; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."present_weather" IS 'Present weather, WMO code table 4677 (manned) or 4680 (automatic); WMO code';
COMMENT ON COLUMN observations."present_weather_flag" IS 'QARTOD flag of present_weather; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."ultraviolet_index" IS 'UV index; 1';
COMMENT ON COLUMN observations."ultraviolet_index_flag" IS 'QARTOD flag of ultraviolet_index; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."duration_of_sunshine_6min" IS 'Sunshine of the last six minutes; min';
COMMENT ON COLUMN observations."duration_of_sunshine_6min_flag" IS 'QARTOD flag of duration_of_sunshine_6min; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."duration_of_sunshine_10min" IS 'Sunshine of the last ten minutes; min';
COMMENT ON COLUMN observations."duration_of_sunshine_10min_flag" IS 'QARTOD flag of duration_of_sunshine_10min; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."duration_of_sunshine_1h" IS 'Sunshine of the last hour; min';
COMMENT ON COLUMN observations."duration_of_sunshine_1h_flag" IS 'QARTOD flag of duration_of_sunshine_1h; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."soil_temperature_5cm" IS 'Temperature of the soil at a depth of 5 cm; °C';
COMMENT ON COLUMN observations."soil_temperature_5cm_flag" IS 'QARTOD flag of soil_temperature_5cm; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."soil_temperature_10cm" IS 'Temperature of the soil at a depth of 10 cm; °C';
COMMENT ON COLUMN observations."soil_temperature_10cm_flag" IS 'QARTOD flag of soil_temperature_10cm; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."soil_temperature_20cm" IS 'Temperature of the soil at a depth of 20 cm; °C';
COMMENT ON COLUMN observations."soil_temperature_20cm_flag" IS 'QARTOD flag of soil_temperature_20cm; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."soil_temperature_50cm" IS 'Temperature of the soil at a depth of 50 cm; °C';
COMMENT ON COLUMN observations."soil_temperature_50cm_flag" IS 'QARTOD flag of soil_temperature_50cm; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."soil_temperature_100cm" IS 'Temperature of the soil at a depth of 100 cm; °C';
COMMENT ON COLUMN observations."soil_temperature_100cm_flag" IS 'QARTOD flag of soil_temperature_100cm; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."surface_downwelling_shortwave_flux_in_air" IS 'Global solar irradiance; W/m²';
COMMENT ON COLUMN observations."surface_downwelling_shortwave_flux_in_air_flag" IS 'QARTOD flag of surface_downwelling_shortwave_flux_in_air; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."surface_downwelling_shortwave_flux_in_air_6min" IS 'Global solar irradiance, mean of the last six minutes; W/m²';
COMMENT ON COLUMN observations."surface_downwelling_shortwave_flux_in_air_6min_flag" IS 'QARTOD flag of surface_downwelling_shortwave_flux_in_air_6min; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."surface_downwelling_shortwave_flux_in_air_10min" IS 'Global solar irradiance, mean of the last ten minutes; W/m²';
COMMENT ON COLUMN observations."surface_downwelling_shortwave_flux_in_air_10min_flag" IS 'QARTOD flag of surface_downwelling_shortwave_flux_in_air_10min; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."surface_downwelling_shortwave_flux_in_air_1h" IS 'Global solar irradiance, mean of the last hour; W/m²';
COMMENT ON COLUMN observations."surface_downwelling_shortwave_flux_in_air_1h_flag" IS 'QARTOD flag of surface_downwelling_shortwave_flux_in_air_1h; 1 good, 2 not_evaluated, 3 suspect, 4 fail, 9 missing';
COMMENT ON COLUMN observations."flag" IS 'worst flag of the observation';
COMMENT ON COLUMN observations."completeness_score" IS 'parameters present / parameters the station reports; 1';
COMMENT ON COLUMN observations."qc_version" IS 'version of the checks that gave the flags';
COMMENT ON COLUMN observations."source_uri" IS 'the raw object';
COMMENT ON COLUMN observations."source_row" IS 'place in the raw object';
COMMENT ON COLUMN observations."extracted_at" IS 'when it was read from the source';
COMMENT ON COLUMN observations."run_id" IS 'the run that loaded it';
COMMENT ON COLUMN observations."ingested_at" IS 'when that run began';
CREATE OR REPLACE VIEW hourly AS
SELECT * FROM read_parquet('processed/hourly/**/*.parquet', hive_partitioning = true, union_by_name = true);
COMMENT ON VIEW hourly IS 'hourly values of the good data; the timestamp is the end of the hour';
COMMENT ON COLUMN hourly."station_id" IS 'station';
COMMENT ON COLUMN hourly."timestamp" IS 'time of the observation';
COMMENT ON COLUMN hourly."air_temperature" IS 'Temperature of the air in the screen; °C; time: mean';
COMMENT ON COLUMN hourly."dew_point_temperature" IS 'Temperature to which the air would have to cool to be saturated; °C; time: mean';
COMMENT ON COLUMN hourly."relative_humidity" IS 'Relative humidity of the air; %; time: mean';
COMMENT ON COLUMN hourly."air_temperature_min_1h" IS 'Lowest air temperature of the last hour; °C; time: minimum';
COMMENT ON COLUMN hourly."air_temperature_max_1h" IS 'Highest air temperature of the last hour; °C; time: maximum';
COMMENT ON COLUMN hourly."air_pressure_at_mean_sea_level" IS 'Air pressure, reduced to mean sea level by the station; hPa; time: mean';
COMMENT ON COLUMN hourly."surface_air_pressure" IS 'Air pressure at the station''s own height, not reduced; hPa; time: mean';
COMMENT ON COLUMN hourly."air_pressure_at_mean_sea_level_qnh" IS 'QNH of an aerodrome: reduced by the standard atmosphere, mostly cut to whole hPa; no pressure at sea level; hPa; time: mean';
COMMENT ON COLUMN hourly."wind_speed" IS 'Mean wind speed over the source''s interval; m/s; time: mean';
COMMENT ON COLUMN hourly."wind_speed_of_gust" IS 'Highest gust of the source''s interval; m/s; time: maximum';
COMMENT ON COLUMN hourly."wind_speed_of_gust_10min" IS 'Highest gust of the last ten minutes; m/s; time: maximum';
COMMENT ON COLUMN hourly."wind_speed_of_gust_1h" IS 'Highest gust of the last hour; m/s; time: maximum';
COMMENT ON COLUMN hourly."wind_from_direction" IS 'Direction the wind comes from, clockwise; 360 is north; °; time: mean (of unit vectors)';
COMMENT ON COLUMN hourly."rainfall_rate" IS 'Rainfall rate of the moment; not to be summed; mm/h; time: mean';
COMMENT ON COLUMN hourly."precipitation_amount_6min" IS 'Precipitation of the last six minutes; mm; time: sum';
COMMENT ON COLUMN hourly."precipitation_amount_10min" IS 'Precipitation of the last ten minutes; mm; time: sum';
COMMENT ON COLUMN hourly."precipitation_amount_1h" IS 'Precipitation of the sliding hour; rows at 10 minutes overlap; mm; time: sum';
COMMENT ON COLUMN hourly."precipitation_counter" IS 'Precipitation since the station''s own reset (mostly local midnight); mm; time: point';
COMMENT ON COLUMN hourly."precipitation_amount" IS 'Precipitation since the previous observation, from the counter; a fall of the counter is a reset; mm; time: sum';
COMMENT ON COLUMN hourly."visibility_in_air" IS 'Horizontal visibility; m; time: mean';
COMMENT ON COLUMN hourly."cloud_area_fraction" IS 'Total cloud cover in eighths; 9 is sky obscured; okta; time: mean';
COMMENT ON COLUMN hourly."surface_snow_thickness" IS 'Depth of the snow on the ground; cm; time: mean';
COMMENT ON COLUMN hourly."present_weather" IS 'Present weather, WMO code table 4677 (manned) or 4680 (automatic); WMO code; time: point';
COMMENT ON COLUMN hourly."ultraviolet_index" IS 'UV index; 1; time: mean';
COMMENT ON COLUMN hourly."duration_of_sunshine_6min" IS 'Sunshine of the last six minutes; min; time: sum';
COMMENT ON COLUMN hourly."duration_of_sunshine_10min" IS 'Sunshine of the last ten minutes; min; time: sum';
COMMENT ON COLUMN hourly."duration_of_sunshine_1h" IS 'Sunshine of the last hour; min; time: sum';
COMMENT ON COLUMN hourly."soil_temperature_5cm" IS 'Temperature of the soil at a depth of 5 cm; °C; time: mean';
COMMENT ON COLUMN hourly."soil_temperature_10cm" IS 'Temperature of the soil at a depth of 10 cm; °C; time: mean';
COMMENT ON COLUMN hourly."soil_temperature_20cm" IS 'Temperature of the soil at a depth of 20 cm; °C; time: mean';
COMMENT ON COLUMN hourly."soil_temperature_50cm" IS 'Temperature of the soil at a depth of 50 cm; °C; time: mean';
COMMENT ON COLUMN hourly."soil_temperature_100cm" IS 'Temperature of the soil at a depth of 100 cm; °C; time: mean';
COMMENT ON COLUMN hourly."surface_downwelling_shortwave_flux_in_air" IS 'Global solar irradiance; W/m²; time: mean';
COMMENT ON COLUMN hourly."surface_downwelling_shortwave_flux_in_air_6min" IS 'Global solar irradiance, mean of the last six minutes; W/m²; time: mean';
COMMENT ON COLUMN hourly."surface_downwelling_shortwave_flux_in_air_10min" IS 'Global solar irradiance, mean of the last ten minutes; W/m²; time: mean';
COMMENT ON COLUMN hourly."surface_downwelling_shortwave_flux_in_air_1h" IS 'Global solar irradiance, mean of the last hour; W/m²; time: mean';
CREATE OR REPLACE VIEW good_observations AS
SELECT
  "station_id",
  "timestamp",
  "station_name",
  "station_network",
  "latitude",
  "longitude",
  "elevation",
  CASE WHEN air_temperature_flag IN (1, 2) THEN air_temperature END AS air_temperature,
  CASE WHEN dew_point_temperature_flag IN (1, 2) THEN dew_point_temperature END AS dew_point_temperature,
  CASE WHEN relative_humidity_flag IN (1, 2) THEN relative_humidity END AS relative_humidity,
  CASE WHEN air_temperature_min_1h_flag IN (1, 2) THEN air_temperature_min_1h END AS air_temperature_min_1h,
  CASE WHEN air_temperature_max_1h_flag IN (1, 2) THEN air_temperature_max_1h END AS air_temperature_max_1h,
  CASE WHEN air_pressure_at_mean_sea_level_flag IN (1, 2) THEN air_pressure_at_mean_sea_level END AS air_pressure_at_mean_sea_level,
  CASE WHEN surface_air_pressure_flag IN (1, 2) THEN surface_air_pressure END AS surface_air_pressure,
  CASE WHEN air_pressure_at_mean_sea_level_qnh_flag IN (1, 2) THEN air_pressure_at_mean_sea_level_qnh END AS air_pressure_at_mean_sea_level_qnh,
  CASE WHEN wind_speed_flag IN (1, 2) THEN wind_speed END AS wind_speed,
  CASE WHEN wind_speed_of_gust_flag IN (1, 2) THEN wind_speed_of_gust END AS wind_speed_of_gust,
  CASE WHEN wind_speed_of_gust_10min_flag IN (1, 2) THEN wind_speed_of_gust_10min END AS wind_speed_of_gust_10min,
  CASE WHEN wind_speed_of_gust_1h_flag IN (1, 2) THEN wind_speed_of_gust_1h END AS wind_speed_of_gust_1h,
  CASE WHEN wind_from_direction_flag IN (1, 2) THEN wind_from_direction END AS wind_from_direction,
  CASE WHEN rainfall_rate_flag IN (1, 2) THEN rainfall_rate END AS rainfall_rate,
  CASE WHEN precipitation_amount_6min_flag IN (1, 2) THEN precipitation_amount_6min END AS precipitation_amount_6min,
  CASE WHEN precipitation_amount_10min_flag IN (1, 2) THEN precipitation_amount_10min END AS precipitation_amount_10min,
  CASE WHEN precipitation_amount_1h_flag IN (1, 2) THEN precipitation_amount_1h END AS precipitation_amount_1h,
  CASE WHEN precipitation_amount_3h_flag IN (1, 2) THEN precipitation_amount_3h END AS precipitation_amount_3h,
  CASE WHEN precipitation_amount_6h_flag IN (1, 2) THEN precipitation_amount_6h END AS precipitation_amount_6h,
  CASE WHEN precipitation_amount_12h_flag IN (1, 2) THEN precipitation_amount_12h END AS precipitation_amount_12h,
  CASE WHEN precipitation_amount_24h_flag IN (1, 2) THEN precipitation_amount_24h END AS precipitation_amount_24h,
  CASE WHEN precipitation_counter_flag IN (1, 2) THEN precipitation_counter END AS precipitation_counter,
  CASE WHEN precipitation_amount_flag IN (1, 2) THEN precipitation_amount END AS precipitation_amount,
  CASE WHEN visibility_in_air_flag IN (1, 2) THEN visibility_in_air END AS visibility_in_air,
  CASE WHEN cloud_area_fraction_flag IN (1, 2) THEN cloud_area_fraction END AS cloud_area_fraction,
  CASE WHEN surface_snow_thickness_flag IN (1, 2) THEN surface_snow_thickness END AS surface_snow_thickness,
  CASE WHEN present_weather_flag IN (1, 2) THEN present_weather END AS present_weather,
  CASE WHEN ultraviolet_index_flag IN (1, 2) THEN ultraviolet_index END AS ultraviolet_index,
  CASE WHEN duration_of_sunshine_6min_flag IN (1, 2) THEN duration_of_sunshine_6min END AS duration_of_sunshine_6min,
  CASE WHEN duration_of_sunshine_10min_flag IN (1, 2) THEN duration_of_sunshine_10min END AS duration_of_sunshine_10min,
  CASE WHEN duration_of_sunshine_1h_flag IN (1, 2) THEN duration_of_sunshine_1h END AS duration_of_sunshine_1h,
  CASE WHEN soil_temperature_5cm_flag IN (1, 2) THEN soil_temperature_5cm END AS soil_temperature_5cm,
  CASE WHEN soil_temperature_10cm_flag IN (1, 2) THEN soil_temperature_10cm END AS soil_temperature_10cm,
  CASE WHEN soil_temperature_20cm_flag IN (1, 2) THEN soil_temperature_20cm END AS soil_temperature_20cm,
  CASE WHEN soil_temperature_50cm_flag IN (1, 2) THEN soil_temperature_50cm END AS soil_temperature_50cm,
  CASE WHEN soil_temperature_100cm_flag IN (1, 2) THEN soil_temperature_100cm END AS soil_temperature_100cm,
  CASE WHEN surface_downwelling_shortwave_flux_in_air_flag IN (1, 2) THEN surface_downwelling_shortwave_flux_in_air END AS surface_downwelling_shortwave_flux_in_air,
  CASE WHEN surface_downwelling_shortwave_flux_in_air_6min_flag IN (1, 2) THEN surface_downwelling_shortwave_flux_in_air_6min END AS surface_downwelling_shortwave_flux_in_air_6min,
  CASE WHEN surface_downwelling_shortwave_flux_in_air_10min_flag IN (1, 2) THEN surface_downwelling_shortwave_flux_in_air_10min END AS surface_downwelling_shortwave_flux_in_air_10min,
  CASE WHEN surface_downwelling_shortwave_flux_in_air_1h_flag IN (1, 2) THEN surface_downwelling_shortwave_flux_in_air_1h END AS surface_downwelling_shortwave_flux_in_air_1h,
  "day"
FROM observations;
COMMENT ON VIEW good_observations IS 'observations without suspect and failed values';
CREATE OR REPLACE VIEW stations AS
SELECT * FROM read_parquet('processed/stations.parquet');
CREATE OR REPLACE VIEW parameters AS
SELECT * FROM read_parquet('processed/parameters.parquet');
