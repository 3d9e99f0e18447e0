"""References of the methods text, each with the way in which the text cites it."""

REFERENCES = {
    "Benjamini and Hochberg, 1995": "Benjamini Y, Hochberg Y. Controlling the false discovery rate: a practical and "
    "powerful approach to multiple testing. J R Stat Soc B. 1995;57:289–300.",
    "Bland and Altman, 1986": "Bland JM, Altman DG. Statistical methods for assessing agreement between two methods of "
    "clinical measurement. Lancet. 1986;327:307–310.",
    "Cameron et al., 2019": "Cameron D, Welch AA, Adelnia F, et al. Age and muscle function are more closely "
    "associated with intracellular magnesium, as assessed by 31P magnetic resonance spectroscopy, than with serum "
    "magnesium. Front Physiol. 2019;10:1454.",
    "Carroll et al., 2006": "Carroll RJ, Ruppert D, Stefanski LA, Crainiceanu CM. Measurement Error in Nonlinear "
    "Models. 2nd ed. Chapman & Hall/CRC; 2006.",
    "Efron and Hinkley, 1978": "Efron B, Hinkley DV. Assessing the accuracy of the maximum likelihood estimator: "
    "observed versus expected Fisher information. Biometrika. 1978;65:457–487.",
    "Fieller, 1954": "Fieller EC. Some problems in interval estimation. J R Stat Soc B. 1954;16:175–185.",
    "Laird and Ware, 1982": "Laird NM, Ware JH. Random-effects models for longitudinal data. Biometrics. "
    "1982;38:963–974.",
    "Lin et al., 2021": "Lin A, Andronesi O, Bogner W, et al. Minimum Reporting Standards for in vivo Magnetic "
    "Resonance Spectroscopy (MRSinMRS): experts’ consensus recommendations. NMR Biomed. 2021;34:e4484.",
    "MacKinnon and White, 1985": "MacKinnon JG, White H. Some heteroskedasticity-consistent covariance matrix "
    "estimators with improved finite sample properties. J Econom. 1985;29:305–325.",
    "McGraw and Wong, 1996": "McGraw KO, Wong SP. Forming inferences about some intraclass correlation coefficients. "
    "Psychol Methods. 1996;1:30–46.",
    "Near et al., 2015": "Near J, Edden R, Evans CJ, Paquin R, Harris A, Jezzard P. Frequency and phase drift "
    "correction of magnetic resonance spectroscopy data by spectral registration in the time domain. Magn Reson Med. "
    "2015;73:44–50.",
    "Rodgers and Robson, 2010": "Rodgers CT, Robson MD. Receive array magnetic resonance spectroscopy: whitened "
    "singular value decomposition (WSVD) gives optimal Bayesian solution. Magn Reson Med. 2010;63:881–891.",
    "Seabold and Perktold, 2010": "Seabold S, Perktold J. Statsmodels: econometric and statistical modeling with "
    "Python. Proc 9th Python Sci Conf. 2010:92–96.",
    "Steiger, 1980": "Steiger JH. Tests for comparing elements of a correlation matrix. Psychol Bull. 1980;87:245–251.",
    "Teague et al., 1996": "Teague WE, Golding EM, Dobson GP. Adjustment of K′ for the creatine kinase, adenylate "
    "kinase and ATP hydrolysis equilibria to varying temperature and ionic strength. J Exp Biol. 1996;199:509–512.",
    "Vanhamme et al., 1997": "Vanhamme L, van den Boogaart A, Van Huffel S. Improved method for accurate and efficient "
    "quantification of MRS data with use of prior knowledge. J Magn Reson. 1997;129:35–43.",
    "Venzon and Moolgavkar, 1988": "Venzon DJ, Moolgavkar SH. A method for computing profile-likelihood-based "
    "confidence intervals. Appl Stat. 1988;37:87–94.",
    "Zou, 2007": "Zou GY. Toward using confidence intervals to compare correlations. Psychol Methods. 2007;12:399–413.",
}
"""Citation, as it stands in the text, to the entry in the list."""


def cited(text: str) -> tuple[str, ...]:
    """Entries of the references that a text cites, in the order of the list."""
    return tuple(entry for citation, entry in REFERENCES.items() if citation in text)
